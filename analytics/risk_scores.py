"""How much models explain in parts of the map they have not seen, in figures and in words. A row is a model."""

import pandas as pd


def scores(lost: pd.DataFrame) -> pd.DataFrame:
    """What share of the deviance each model explains, over all parts and in the worst and the best of them.

    lost : the deviance of each part left out (rows), by model; `no factors` is what the others are measured against.

    Returns `model`, `deviance_explained`, `lower`, `upper`, `beats_deprivation` (explains more, and more than nothing;
    missing for deprivation itself, and where it is not among the models) and `method`.
    """
    of_part = 1 - lost.div(lost["no factors"], axis=0)
    explained = 1 - lost.sum() / lost["no factors"].sum()
    table = pd.DataFrame({"model": lost.columns, "deviance_explained": explained.to_numpy()})
    table["lower"], table["upper"] = of_part.min().to_numpy(), of_part.max().to_numpy()
    beats = pd.array([pd.NA] * len(table), dtype="boolean")
    if "deprivation alone" in explained:
        others = lost.columns != "deprivation alone"
        beats[others] = (explained > max(explained["deprivation alone"], 0)).to_numpy()[others]
    return table.assign(beats_deprivation=beats, method=f"range of {len(lost)} parts of the map, left out in turn")


def said(scores: pd.DataFrame, lost: pd.DataFrame, name: str) -> str:
    """The verdict on one model, in the words of a page. scores, lost : as above."""
    explained = scores.set_index("model")["deviance_explained"]
    what = "The elastic net" if name == "elastic net" else "A model of boosted trees"
    if explained[name] > 0:
        words = f"{what} explains {explained[name]:.1%} of how rates differ in parts of the map it has not seen."
    else:
        words = f"{what} is no better than one rate for all, in parts of the map it has not seen."
    if "deprivation alone" not in explained:
        return f"{words} It was not set against deprivation alone."
    deprivation = explained["deprivation alone"]
    alone = f"deprivation alone explains {f'{deprivation:.1%}' if deprivation > 0 else 'nothing'}"
    if explained[name] > max(deprivation, 0):
        better = int((lost[name] < lost["deprivation alone"]).sum())
        return f"{words} It is better than deprivation: {alone}. It is ahead in {better} of {len(lost)} parts."
    if deprivation > 0:
        return f"{words} It is not better than deprivation: {alone}. Do not use it in place of deprivation."
    return f"{words} Nor is deprivation alone."
