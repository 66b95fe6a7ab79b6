"""The web page and the REST service over the same pipeline, on this machine.

The server takes files in and answers questions about jobs; worker processes do the work. They
share a folder in which each job has a folder of its own, and a queue that carries the jobs' ids.
"""
