"""How far to believe a map: checks that read the same run as the map itself, and the verdict they lead to.

`judged` is given a run and the maps that methods made of it; what maps have in common is asked for once.
"""

from seethrough.trust.agreement import Disagreement, agreement, disagreement
from seethrough.trust.judge import judged
from seethrough.trust.maps import Case
from seethrough.trust.verdict import THRESHOLDS, Thresholds, verdict

__all__ = ["THRESHOLDS", "Case", "Disagreement", "Thresholds", "agreement", "disagreement", "judged", "verdict"]
