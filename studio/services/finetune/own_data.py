"""D_pretrain: which bases have their own training data here, and how much of it a run draws."""

OWN_DATA = ("embedded",)  # never the clean subset: it is what the base did not read
SCENES, SCENES_SEED = 600, 0  # the paper has half as many as labelled sounds, 2.5 k to 4.8 k
