"""The use-cases: the only place where the science of `pipelines` meets the memory of the studio."""
