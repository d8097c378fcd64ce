"""What the studio remembers: rows in a database, sounds in a folder; nothing is overwritten."""
