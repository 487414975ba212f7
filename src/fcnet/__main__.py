"""`python -m fcnet` is `fcnet`."""

import sys

from fcnet.cli import main

sys.exit(main())
