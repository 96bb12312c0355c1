"""Third helper writes this file."""
