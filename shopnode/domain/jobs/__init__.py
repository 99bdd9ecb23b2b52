"""What a home does by itself: every minute, every hour, every night."""
