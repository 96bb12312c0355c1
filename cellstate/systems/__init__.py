"""Reference systems: laws of motion with exact answers, each by two routes.

A law is a frozen dataclass; states have shape (..., d).

>>> from cellstate import systems
>>> law = systems.DoubleWell(D=1 / 3)
>>> systems.quadrature(law).k_ab, systems.collocation(law).k_ab
(0.0375374..., 0.0375374...)

==========================  ====================================================
solver                      route
==========================  ====================================================
`quadrature`                a line, from the potential alone
`collocation`               a line, from the drift alone
`finite_volumes`            the plane, a jump process on a grid
`finite_elements`           the plane, the weak backward equation
`committor_within` ...      a line, within a time; `..._by_modes` is the other route
`branching_committor`       a line, with division; `..._adaptive` is the other route
==========================  ====================================================
"""

from cellstate.systems._diffusion import Diffusion, Gradient
from cellstate.systems._first_mode import (
    first_mode_of,
    null_mode,
    null_mode_limit,
    rayleigh_p,
    rayleigh_p_exact,
    rayleigh_threshold,
)
from cellstate.systems._fixed_points import FixedPoints, find_fixed_points
from cellstate.systems._integrate import euler_maruyama, heun, simulate
from cellstate.systems._laws._angles import AngularPolarity
from cellstate.systems._laws._bifurcations import Pitchfork, SaddleNode
from cellstate.systems._laws._decisions import BinaryChoice, BinaryFlip, ToggleSwitch
from cellstate.systems._laws._gaussian_wells import GaussianWells
from cellstate.systems._laws._interacting import DesaiZwanzig
from cellstate.systems._laws._irreversible import (
    MaierStein,
    NonEquilibriumLandscape,
    RotationalDoubleWell,
)
from cellstate.systems._laws._landscapes import DoubleWell2D, TripleWell
from cellstate.systems._laws._mueller import MuellerBrown, RuggedMueller
from cellstate.systems._laws._ornstein_uhlenbeck import OrnsteinUhlenbeck
from cellstate.systems._laws._ramp import RampedPitchfork
from cellstate.systems._laws._wells import (
    DoubleWell,
    Prinz,
    RotatedDoubleWell,
    TiltedDoubleWell,
)
from cellstate.systems._lineages._branching import BranchingProcess
from cellstate.systems._lineages._chains import BirthDeathChain
from cellstate.systems._lineages._fate_trees import FateTree
from cellstate.systems._lineages._lineage_trees import (
    BifurcatingAR,
    DivisionModes,
    LineageTrees,
    kin_pairs,
)
from cellstate.systems._lineages._multitype import MultitypeBranching
from cellstate.systems._orders import OrderOfScheme, strong_errors, weak_errors
from cellstate.systems._paths import TransitionPaths
from cellstate.systems._regions import (
    Ball,
    Box,
    HalfSpace,
    Region,
    Union,
    above,
    below,
)
from cellstate.systems._routes._branching_committor import (
    branching_committor,
    branching_committor_adaptive,
)
from cellstate.systems._routes._collocation import collocation, spectral_gap
from cellstate.systems._routes._finite_elements import finite_elements
from cellstate.systems._routes._finite_volumes import finite_volumes
from cellstate.systems._routes._horizon import (
    committor_within,
    committor_within_by_modes,
    reach_within,
    reach_within_by_modes,
)
from cellstate.systems._routes._quadrature import quadrature

__all__ = [
    "AngularPolarity",
    "Ball",
    "BifurcatingAR",
    "BinaryChoice",
    "BinaryFlip",
    "BirthDeathChain",
    "Box",
    "BranchingProcess",
    "DesaiZwanzig",
    "Diffusion",
    "DivisionModes",
    "DoubleWell",
    "DoubleWell2D",
    "FateTree",
    "FixedPoints",
    "GaussianWells",
    "Gradient",
    "HalfSpace",
    "LineageTrees",
    "MaierStein",
    "MuellerBrown",
    "MultitypeBranching",
    "NonEquilibriumLandscape",
    "OrderOfScheme",
    "OrnsteinUhlenbeck",
    "Pitchfork",
    "Prinz",
    "RampedPitchfork",
    "Region",
    "RotatedDoubleWell",
    "RotationalDoubleWell",
    "RuggedMueller",
    "SaddleNode",
    "TiltedDoubleWell",
    "ToggleSwitch",
    "TransitionPaths",
    "TripleWell",
    "Union",
    "above",
    "below",
    "branching_committor",
    "branching_committor_adaptive",
    "collocation",
    "committor_within",
    "committor_within_by_modes",
    "euler_maruyama",
    "find_fixed_points",
    "finite_elements",
    "finite_volumes",
    "first_mode_of",
    "heun",
    "kin_pairs",
    "null_mode",
    "null_mode_limit",
    "quadrature",
    "rayleigh_p",
    "rayleigh_p_exact",
    "rayleigh_threshold",
    "reach_within",
    "reach_within_by_modes",
    "simulate",
    "spectral_gap",
    "strong_errors",
    "weak_errors",
]
