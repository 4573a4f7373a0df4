"""`python -m omotes_job_runner`, the same as `omotes-job-runner`."""

import sys

from omotes_job_runner.cli import main

sys.exit(main())
