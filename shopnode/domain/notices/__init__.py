"""What people are told: on their screens, and by messages that wait for their provider."""
