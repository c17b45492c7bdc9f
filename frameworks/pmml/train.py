"""Writes model.pmml: a decision tree of iris. Running it again gives the same bytes: thresholds are means of two rows."""

from pathlib import Path

from sklearn.datasets import load_iris
from sklearn.tree import DecisionTreeClassifier

rows, classes = load_iris(return_X_y=True)
# Every tenth row is never shown to the model: the smoke request of ../iris.ts is made of them.
shown = [row for row in range(len(rows)) if row % 10]
columns = ["sepal_length", "sepal_width", "petal_length", "petal_width"]
tree = DecisionTreeClassifier(max_depth=2, random_state=0).fit(rows[shown], classes[shown]).tree_


def node(at: int, test: str, indent: int) -> list[str]:
    space = "  " * indent
    score = int(tree.value[at][0].argmax())
    lines = [f'{space}<Node score="{score}">', f"{space}  {test}"]
    if tree.children_left[at] != -1:
        field = columns[tree.feature[at]]
        value = f"{tree.threshold[at]:.4f}"
        for operator, child in [("lessOrEqual", tree.children_left[at]), ("greaterThan", tree.children_right[at])]:
            predicate = f'<SimplePredicate field="{field}" operator="{operator}" value="{value}"/>'
            lines += node(child, predicate, indent + 1)
    return [*lines, f"{space}</Node>"]


fields = [f'    <DataField name="{name}" optype="continuous" dataType="double"/>' for name in columns]
values = "".join(f'<Value value="{one}"/>' for one in range(3))
text = "\n".join(
    [
        '<?xml version="1.0" encoding="UTF-8"?>',
        '<PMML xmlns="http://www.dmg.org/PMML-4_4" version="4.4">',
        "  <Header/>",
        "  <DataDictionary>",
        *fields,
        f'    <DataField name="predict" optype="categorical" dataType="integer">{values}</DataField>',
        "  </DataDictionary>",
        '  <TreeModel functionName="classification">',
        "    <MiningSchema>",
        *(f'      <MiningField name="{name}"/>' for name in columns),
        '      <MiningField name="predict" usageType="target"/>',
        "    </MiningSchema>",
        *node(0, "<True/>", 2),
        "  </TreeModel>",
        "</PMML>",
        "",
    ]
)
Path(__file__).with_name("model.pmml").write_text(text)
