"""THE registry of AnnData names; nothing in the package types a name in place.

One row of an AnnData is one cell in one frame. Whatever has one value per cell is
in obs, obsm or obsp and follows subsetting; the rest is in ``uns["cellstate"]``.
"""

# uns
ROOT = "cellstate"
SCHEMA_VERSION = "1"
VERSION = "schema_version"
TIME_UNIT = "time_unit"
LENGTH_UNIT = "length_unit"
MOVIES = "movies"  # name -> pixel_size, frame_interval, n_frames, height, width
TRUTH = "truth"  # what is known exactly about simulated cells
RESERVED = (VERSION, TIME_UNIT, LENGTH_UNIT, MOVIES, TRUTH)

# obs: identity
MOVIE = "movie"
FRAME = "frame"
TIME = "time"  # h
LABEL = "label"
TRACK = "track"
PARENT_TRACK = "parent_track"  # -1 none
CONDITION = "condition"
OBJECT_CLASS = "object_class"  # number of the class that a tracker's file states
FATE = "fate"  # categorical: how a tracker says the track ends

# obs: quality control, written by pp.qc
QC_PASS = "qc_pass"
QC_BORDER = "qc_border"
QC_SLIVER = "qc_sliver"
QC_FRAGMENTED = "qc_fragmented"
QC_BLUR = "qc_blur"
QC_JUMP = "qc_jump"  # the link from the frame before is not trusted
QC_UNDEFINED = "qc_undefined"  # a feature of this cell is NaN
TOUCHES_BORDER = "touches_border"
N_COMPONENTS = "n_components"
CROP_INSIDE = "crop_inside"  # share of the mask that lies in the cell's crop
# Columns that make the tracks: a result that used tracks is stale when one changes.
TRACKING = (MOVIE, TRACK, FRAME, TIME, PARENT_TRACK, QC_JUMP)
QC_FLAGS = (QC_BORDER, QC_SLIVER, QC_FRAGMENTED, QC_BLUR, QC_JUMP, QC_UNDEFINED)

# obs: results
STATE = "state"  # categorical: A, B, other
COMMITTOR = "committor"
COMMITTOR_REPLICATES = "committor_replicates"  # obsm
REACTIVE_CURRENT = "reactive_current"  # obsm, with the name of the basis
DRIFT = "drift"  # obsm, with the name of the basis, per h; its errors end in _se
DIFFUSION = "diffusion"  # obsm, likewise: matrices row by row, (n, d * d)
GROWTH_RATE = "growth_rate"  # 1/h
EXTRAPOLATED = "extrapolated"  # whether a flow was fitted to no cell near this one
DIES = "dies"  # last row of a simulated cell that dies before the next frame
MFPT = "mfpt"  # h; also the name of the result
FATES = "fate_probabilities"  # obsm; also the name of the result
FATE_ENTROPY = "fate_entropy"  # bits
MACROSTATE = "macrostate"  # categorical: m1, m2, ...
CERTAINTY = "macrostate_certainty"
MEMBERSHIPS = "macrostate_memberships"  # obsm
N_HELD = "n_held"  # frames of a delay window before the track began
EVENT = "event"  # status of the cell's track
EVENT_TIME = "event_time"  # h

# obs and obsm: the truth of simulated cells
TRUTH_TRACK = "truth_track"  # the cell itself, -1 where a row shows none
TRUTH_PARENT_TRACK = "truth_parent_track"
TRUTH_SET = "truth_set"  # categorical: A, B, other
TRUTH_COMMITTOR = "truth_committor"
TRUTH_COMMITTOR_BACKWARD = "truth_committor_backward"
TRUTH_EVENT = "truth_event"  # what becomes of the cell
TRUTH_COMMITMENT_TIME = "truth_commitment_time"  # h
TRUTH_STATE = "truth_state"  # obsm
TRUTH_DRIFT = "truth_drift"  # obsm, per h

# var
FAMILY = "family"
UNIT = "unit"
MEANING = "meaning"
INVARIANT = "invariant"  # under translation, rotation and reflection together
INVARIANCE = "invariance"  # what leaves the feature unchanged, in words
USED = "used"  # False for a feature that is constant or all NaN

# layers, obsm, obsp
NORMALIZED = "normalized"
SPATIAL = "spatial"  # x, y (z) in um
UNSCALED = "spatial_unscaled"  # positions as a file has them, in a unit not known
# a_1, a_2, a_3 of the outline, then of each channel, each real and imaginary part:
# np.ascontiguousarray(...).view(complex) has shape (n, 3 + 3 channels)
ANGULAR_MODES = "angular_modes"
STATE_SPACE = "X_state"
PCA = "X_pca"
DELAY = "X_delay"
TICA = "X_tica"
VAMP = "X_vamp"
DIFFMAP = "X_diffmap"
CONTOUR = "X_contour"  # outlines, um about the centroid: x, y of point after point
SHAPE = "X_shape"  # scores along shape modes
LEARNED = "X_learned"
CROPS = "single_cell_images"  # (n, C, H, W); the slot of scPortrait
LINEAGE = "lineage"  # parent row -> child row

# uns["cellstate"]: one dict per result
QC = "qc"
NORMALIZE = "normalize"
EMBED = "embed"  # of PCA; of other methods embed_<method>
EMBED_DIAGNOSIS = "embed_diagnosis"
STATE_SPACE_CHOICE = "state_space"
STATES = "define_states"
COMMITTOR_RESULT = "committor"
MACROSTATES = "macrostates"
RATES = "rates"
LAG_SCAN = "lag_scan"
CORE_SCAN = "core_scan"
EVENTS = "differentiation_events"
CALIBRATION = "calibration"
CALIBRATION_BACKWARD = "calibration_backward"
DELAYS = "delay_embed"
COMPARISON = "compare_with_truth"
COUPLING = "coupling"  # also obsp: earlier row -> later row
DESCENDANTS = "descendants"  # also obs
ANCESTORS = "ancestors"  # also obs
FLOW_FIT = "flow_fit"
PARTICLES = "particles"
INTERPOLATED = "interpolated"
REACTIVE_FLUX = "reactive_flux"
REACTIVE_SEGMENTS = "reactive_segments"

SOURCE_STATE = "A"
TARGET_STATE = "B"
OTHER_STATE = "other"
UNKNOWN_STATE = "unknown"  # the track was cut off too early to tell
