"""What people see: one file per verb of the loop, each with `build(services)`."""
