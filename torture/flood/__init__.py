"""What `torture/floods.py` is made of: the real server as a process, and the clients that flood it."""
