"""Stock: every change is a movement; what is on hand is their sum."""
