def _vb_or(a, b):
    if isinstance(a, dict) and isinstance(b, dict):
        c = dict(a)
        c.update(b)
        return c
    return a | b
