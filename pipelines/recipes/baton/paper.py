"""The paper's own figures (papers/baton.txt, Tables 3 to 8 and 13), to compare the trends with ours."""

from pipelines.recipes.baton.study import BASE, BATON, CONTROL, INTEGRITY, TEMPORAL

# Table 3, in per cent: sounds, aligned, not, skipped.
LABELS = {INTEGRITY: (1431, 56.1, 28.4, 15.5), TEMPORAL: (1332, 37.8, 59.4, 2.8)}
COLUMNS = ("FD", "FAD", "IS", "KL", "CLAP")  # CLAP in per cent
# Rows by the names of our arms; PD alone is our control. Tables 5 to 8 are of the temporal task.
ROWS: dict[str, dict[str, dict[str, tuple[float | None, ...]]]] = {
    "4": {
        INTEGRITY: {BASE: (36.79, 2.81, 4.78, 1.03, 33.0), BATON: (38.54, 3.02, 5.07, 1.11, 35.3)},
        TEMPORAL: {BASE: (36.86, 4.02, 4.46, 1.16, 35.9), BATON: (36.19, 4.31, 4.88, 1.13, 41.9)},
    },
    "5": {
        TEMPORAL: {
            BASE: (36.86, 4.02, 4.46, 1.17, 35.9),
            CONTROL: (37.06, 4.08, 4.45, 1.11, 36.1),
            "plain-human": (37.78, 4.49, 4.70, 1.09, 36.2),
            "plain-both": (37.23, 4.09, 4.80, 1.15, 37.5),
            BATON: (36.19, 4.31, 4.88, 1.13, 41.9),
        }
    },
    "6": {
        TEMPORAL: {
            BASE: (36.86, 4.02, 4.46, 1.17, 35.9),
            "human-only": (37.95, 4.80, 4.87, 1.07, 38.8),
            "reward-only": (37.50, 4.52, 4.88, 1.14, 38.8),
            BATON: (36.19, 4.31, 4.88, 1.13, 41.9),
        }
    },
    "7": {
        TEMPORAL: {
            "no-pretraining-loss": (36.93, 4.48, 4.99, 1.07, 39.7),
            BATON: (36.19, 4.31, 4.88, 1.13, 41.9),
        }
    },
    "8": {
        TEMPORAL: {
            "head-t5-mse": (None, None, None, None, 40.9),
            "head-t5-bce": (None, None, None, None, 40.9),
            "head-clap-mse": (None, None, None, None, 41.0),
            "head-clap-bce": (None, None, None, None, 41.9),
        }
    },
    "13": {
        INTEGRITY: {
            "beta-0.25": (40.23, 2.92, 5.20, 1.15, 35.7),
            "beta-0.5": (38.54, 3.02, 5.07, 1.11, 35.3),
            "beta-0.75": (38.44, 3.31, 4.91, 1.17, 33.2),
            "beta-1": (37.78, 2.56, 4.76, 1.10, 34.2),
        },
        TEMPORAL: {
            "beta-0.25": (37.23, 4.68, 4.92, 1.12, 39.4),
            "beta-0.5": (36.19, 4.31, 4.88, 1.13, 41.9),
            "beta-0.75": (37.37, 4.28, 5.05, 1.09, 38.7),
            "beta-1": (37.76, 4.29, 4.72, 1.14, 37.7),
        },
    },
}
# What the paper says of each table, as pairs: the first scores higher in CLAP than the second.
CLAIMS: tuple[tuple[str, str, str, str], ...] = (
    ("4", INTEGRITY, BATON, BASE),
    ("4", TEMPORAL, BATON, BASE),
    ("5", TEMPORAL, CONTROL, BASE),
    ("5", TEMPORAL, "plain-human", CONTROL),
    ("5", TEMPORAL, "plain-both", "plain-human"),
    ("5", TEMPORAL, BATON, "plain-both"),
    ("6", TEMPORAL, "human-only", BASE),
    ("6", TEMPORAL, "reward-only", BASE),
    ("6", TEMPORAL, BATON, "human-only"),
    ("6", TEMPORAL, BATON, "reward-only"),
    ("7", TEMPORAL, BATON, "no-pretraining-loss"),
    ("8", TEMPORAL, "head-clap-bce", "head-clap-mse"),
    ("8", TEMPORAL, "head-clap-bce", "head-t5-bce"),
    ("8", TEMPORAL, "head-clap-mse", "head-t5-mse"),
    ("13", TEMPORAL, "beta-0.5", "beta-0.25"),
    ("13", TEMPORAL, "beta-0.5", "beta-0.75"),
    ("13", TEMPORAL, "beta-0.5", "beta-1"),
    ("13", INTEGRITY, "beta-0.25", "beta-1"),
)


def paper_gain(table: str, task: str, better: str, worse: str) -> float:
    """By how many points of CLAP score the paper has the first above the second."""
    rows = ROWS[table][task]
    return rows[better][-1] - rows[worse][-1]
