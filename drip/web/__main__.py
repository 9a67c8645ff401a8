"""`python -m drip.web` serves the pages without a line to the workers; `python -m drip web` has one."""

import sys

from drip.web.serve import main

sys.exit(main())
