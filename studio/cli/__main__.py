"""`python -m studio.cli`: do one verb and end with its status."""

import sys

from studio.cli import main

sys.exit(main())
