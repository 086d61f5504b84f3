"""What an office holds against a service, and every decision that was made of it."""
