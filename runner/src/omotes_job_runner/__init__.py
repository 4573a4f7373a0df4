"""Runs an existing OMOTES worker function as the program of an OmotesJob: files in, files out."""

from omotes_job_runner.stop import JobStopped

__all__ = ["JobStopped"]
