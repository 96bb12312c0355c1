"""One reader per result."""

from anndata import AnnData

from cellstate._adata import _keys as keys
from cellstate._adata._couplings import Relatives, read_couplings
from cellstate._adata._results import QualityReport, States
from cellstate._adata._store import read
from cellstate._adata._truth_comparison import TruthComparison
from cellstate.events import EventTable
from cellstate.flow import FlowFit
from cellstate.kinetics import (
    Calibration,
    Committor,
    FateProbabilities,
    Macrostates,
    PassageTimes,
    Rates,
    RateScan,
)
from cellstate.kinetics._flux import ReactiveFlux, ReactiveSegments
from cellstate.sde import Particles
from cellstate.statespace import (
    Autoencoder,
    DelayEmbedding,
    DiffusionMap,
    EmbeddingDiagnosis,
    Projection,
    Scaling,
    ShapeModes,
    SlowModes,
    StateSpace,
)
from cellstate.transport import Couplings


def quality(adata: AnnData, key: str = keys.QC) -> QualityReport:
    """Counts of `cs.pp.qc`."""
    return read(adata, key, QualityReport, "cs.pp.qc(adata)")


def scaling(adata: AnnData, key: str = keys.NORMALIZE) -> Scaling:
    """Statistics of `cs.pp.normalize`."""
    return read(adata, key, Scaling, "cs.pp.normalize(adata)")


def projection(adata: AnnData, key: str = keys.EMBED) -> Projection:
    """Projection of `cs.tl.embed`, to reuse on other cells."""
    return read(adata, key, Projection, "cs.tl.embed(adata)")


def slow_modes(adata: AnnData, key: str = f"{keys.EMBED}_vamp") -> SlowModes:
    """Slow modes of `cs.tl.embed`, or with ``key="embed_tica"`` those in balance."""
    method = key.removeprefix(f"{keys.EMBED}_")
    return read(adata, key, SlowModes, f"cs.tl.embed(adata, method={method!r})")


def diffusion_map(adata: AnnData, key: str = f"{keys.EMBED}_diffmap") -> DiffusionMap:
    """Diffusion map of `cs.tl.embed`."""
    return read(adata, key, DiffusionMap, "cs.tl.embed(adata, method='diffmap')")


def shape_modes(adata: AnnData, key: str = f"{keys.EMBED}_contour") -> ShapeModes:
    """Shape modes of `cs.tl.embed`."""
    return read(adata, key, ShapeModes, "cs.tl.embed(adata, method='contour')")


def autoencoder(adata: AnnData, key: str = f"{keys.EMBED}_autoencoder") -> Autoencoder:
    """Network of `cs.tl.embed`, ready to place other crops."""
    return read(adata, key, Autoencoder, "cs.tl.embed(adata, method='autoencoder')")


def embedding_diagnosis(
    adata: AnnData, key: str = keys.EMBED_DIAGNOSIS
) -> EmbeddingDiagnosis:
    """Orientation leak, reconstruction and VAMP-2 score of a learned embedding."""
    method = "encoder" if key.endswith("_encoder") else "autoencoder"
    return read(
        adata, key, EmbeddingDiagnosis, f"cs.tl.embed(adata, method={method!r})"
    )


def state_space(adata: AnnData, key: str = keys.STATE_SPACE_CHOICE) -> StateSpace:
    """Lag and slow modes that `cs.tl.state_space` chose, and why."""
    return read(adata, key, StateSpace, "cs.tl.state_space(adata)")


def delay_embedding(adata: AnnData, key: str = keys.DELAYS) -> DelayEmbedding:
    """Windows of `cs.tl.delay_embed`."""
    return read(adata, key, DelayEmbedding, "cs.tl.delay_embed(adata)")


def states(adata: AnnData, key: str = keys.STATES) -> States:
    """Rules behind obs["state"]."""
    return read(adata, key, States, "cs.tl.define_states(adata, ...)")


def committor(adata: AnnData, key: str = keys.COMMITTOR_RESULT) -> Committor:
    """Committor, with its values read back from obs and obsm."""
    call = f"cs.tl.committor(adata{_named(key, keys.COMMITTOR_RESULT)})"
    return read(adata, key, Committor, call)


def calibration(adata: AnnData, key: str = keys.CALIBRATION) -> Calibration:
    """Reliability curve of a committor."""
    call = f"cs.tl.validate_committor(adata{_named(key, keys.CALIBRATION)})"
    return read(adata, key, Calibration, call)


def flow_fit(adata: AnnData, key: str = keys.FLOW_FIT) -> FlowFit:
    """Drift, diffusion and growth of `cs.tl.fit_flow`, ready to be evaluated."""
    return read(
        adata, key, FlowFit, f"cs.tl.fit_flow(adata{_named(key, keys.FLOW_FIT)})"
    )


def rates(adata: AnnData, key: str = keys.RATES) -> Rates:
    """Rates between A and B."""
    return read(adata, key, Rates, f"cs.tl.rates(adata{_named(key, keys.RATES)})")


def macrostates(adata: AnnData, key: str = keys.MACROSTATES) -> Macrostates:
    """Metastable sets of the state space."""
    call = f"cs.tl.macrostates(adata{_named(key, keys.MACROSTATES)})"
    return read(adata, key, Macrostates, call)


def rate_scan(adata: AnnData, key: str = keys.LAG_SCAN) -> RateScan:
    """Rates against the lag, or with ``key="core_scan"`` the size of the cores."""
    call = {keys.CORE_SCAN: "cs.tl.scan_cores(adata)"}
    return read(adata, key, RateScan, call.get(key, "cs.tl.scan_lags(adata)"))


def mfpt(adata: AnnData, key: str = keys.MFPT) -> PassageTimes:
    """Mean time of cells to a state."""
    call = f"cs.tl.mfpt(adata{_named(key, keys.MFPT)})"
    return read(adata, key, PassageTimes, call)


def fate_probabilities(adata: AnnData, key: str = keys.FATES) -> FateProbabilities:
    """Chances of K fates, and their entropy."""
    call = f"cs.tl.fate_probabilities(adata, fates{_named(key, keys.FATES)})"
    return read(adata, key, FateProbabilities, call)


def reactive_flux(adata: AnnData, key: str = keys.REACTIVE_FLUX) -> ReactiveFlux:
    """Reactive current, flux between groups and pathways of `cs.tl.reactive_flux`."""
    call = f"cs.tl.reactive_flux(adata{_named(key, keys.REACTIVE_FLUX)})"
    return read(adata, key, ReactiveFlux, call)


def reactive_segments(
    adata: AnnData, key: str = keys.REACTIVE_SEGMENTS
) -> ReactiveSegments:
    """Excursions and channels of `cs.tl.reactive_segments`."""
    call = f"cs.tl.reactive_segments(adata{_named(key, keys.REACTIVE_SEGMENTS)})"
    return read(adata, key, ReactiveSegments, call)


def events(adata: AnnData, key: str = keys.EVENTS) -> EventTable:
    """Event table of `cs.tl.differentiation_events`."""
    call = f"cs.tl.differentiation_events(adata{_named(key, keys.EVENTS)})"
    return read(adata, key, EventTable, call)


def comparison(adata: AnnData, key: str = keys.COMPARISON) -> TruthComparison:
    """Estimates beside the truth of simulated cells."""
    call = f"cs.tl.compare_with_truth(adata{_named(key, keys.COMPARISON)})"
    return read(adata, key, TruthComparison, call)


def couplings(adata: AnnData, key: str = keys.COUPLING) -> Couplings:
    """Couplings of `cs.tl.couple`, with their plans read back from obsp."""
    return read_couplings(adata, key)


def relatives(adata: AnnData, key: str = keys.DESCENDANTS) -> Relatives:
    """Descendants of `cs.tl.descendants`, or ``key="ancestors"``."""
    if key == keys.ANCESTORS:
        return read(adata, key, Relatives, "cs.tl.ancestors(adata, cells)")
    call = f"cs.tl.descendants(adata, cells{_named(key, keys.DESCENDANTS)})"
    return read(adata, key, Relatives, call)


def particles(adata: AnnData, key: str = keys.PARTICLES) -> Particles:
    """Particles of `cs.tl.propagate`, or ``key="interpolated"``."""
    if key == keys.INTERPOLATED:
        return read(adata, key, Particles, "cs.tl.interpolate(adata, time)")
    call = f"cs.tl.propagate(adata, start_time, stop_time{_named(key, keys.PARTICLES)})"
    return read(adata, key, Particles, call)


def _named(key: str, default: str) -> str:
    return "" if key == default else f", key_added={key!r}"
