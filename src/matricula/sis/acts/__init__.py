"""What was done to the register: by whom, in which role, on which ground."""
