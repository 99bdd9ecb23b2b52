"""What all screens share: macros, icons, style sheets and scripts, and the code that serves them."""
