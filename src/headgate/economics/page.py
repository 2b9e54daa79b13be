"""A report as one HTML page that needs nothing else: styles and charts are inside it."""

from html import escape

from headgate.economics.charts import chart_svg
from headgate.economics.report import Report, TableView

STYLE = """
body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:62rem;padding:0 1rem;color:#222}
table{border-collapse:collapse;margin:.5rem 0 1.5rem;font-size:13px;display:block;overflow-x:auto}
td,th{padding:.2rem .7rem;border-bottom:1px solid #ddd;text-align:left;vertical-align:top}
.number{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
svg{width:100%;height:auto;font:11px system-ui,sans-serif}
.answer{font-size:1.15rem}footer{color:#666;font-size:12px;overflow-wrap:anywhere}
"""
ASSUMPTION_COLUMNS = ["input", ">value", "unit", "meaning", "source"]


def page(report: Report, version: str) -> str:
    """Return the page; the same report gives the same bytes."""
    assumed = TableView(
        title="Assumptions",
        columns=ASSUMPTION_COLUMNS,
        rows=[
            [one.name, one.value, one.unit, one.meaning, one.source] for one in report.assumptions
        ],
    )
    seed = "" if report.seed is None else f", seed {report.seed}"
    title = f"Headgate {escape(report.command)}"
    return "\n".join(
        [
            '<!doctype html><html lang="en"><head><meta charset="utf-8">',
            f"<title>{title}</title><style>{STYLE}</style></head><body><h1>{title}</h1>",
            *(f'<p class="answer">{escape(line)}</p>' for line in report.answer),
            *(f"<h2>{escape(one.title)}</h2>{chart_svg(one)}" for one in report.charts),
            *(table_html(one) for one in report.tables),
            "<h2>Limits</h2><ul>",
            *(f"<li>{escape(line)}</li>" for line in report.limits),
            f"</ul>{table_html(assumed)}",
            f"<footer>headgate {escape(version)}, inputs {report.inputs_sha256}{seed}</footer>",
            "</body></html>\n",
        ]
    )


def table_html(table: TableView) -> str:
    """Return a table with its title above it."""
    classes = [' class="number"' if name.startswith(">") else "" for name in table.columns]
    head = "".join(
        f"<th{css}>{escape(name.removeprefix('>'))}</th>"
        for name, css in zip(table.columns, classes, strict=True)
    )
    rows = "".join(
        "<tr>"
        + "".join(f"<td{css}>{escape(cell)}</td>" for cell, css in zip(row, classes, strict=True))
        + "</tr>"
        for row in table.rows
    )
    return (
        f"<h2>{escape(table.title)}</h2><table><thead><tr>{head}</tr></thead>"
        f"<tbody>{rows}</tbody></table>"
    )
