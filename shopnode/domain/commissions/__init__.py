"""What people earn by what they sell and mend, and what they owe the shop."""
