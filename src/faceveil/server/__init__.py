"""The web page and the REST service over the same pipeline, on this machine.

The server receives files and answers requests about jobs; worker processes do the work. They share
a folder with a subfolder for each job, and a queue of job ids.
"""
