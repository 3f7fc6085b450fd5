import shutil
import subprocess

import pytest

from uaabench.reporting.latex import latex

DOCUMENT = r"""\documentclass[%s]{article}
\usepackage{booktabs,graphicx}
\begin{document}
Table~\ref{tab:fusion}.
%s
\end{document}
"""


@pytest.mark.parametrize("options", ["", "twocolumn"])
def test_latex_compiles_without_overfull_lines(incomplete, tmp_path, options):
    if shutil.which("pdflatex") is None:
        pytest.skip("needs pdflatex")
    (tmp_path / "paper.tex").write_text(DOCUMENT % (options, latex(incomplete)), encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "paper.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert "Overfull" not in done.stdout
