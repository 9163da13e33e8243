"""x"""
ALL = "all"
SHOWN, BAND, HIDDEN, MISSING = "shown", "band", "hidden", "not supplied"
CELL = ["source", "measure", "area_level", "area_code", "period_type", "month"]
def audit_and_repair(*a, **k): ...
