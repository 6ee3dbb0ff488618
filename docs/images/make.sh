#!/usr/bin/env bash
# Makes the SVG pictures of this folder from their sources (.dot) with Graphviz, and puts the colours of style.css into them.
# Debian, Ubuntu: apt-get install graphviz
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
for source in *.dot; do
  picture=${source%.dot}.svg
  dot -Tsvg "$source" |
    # Colours come from the style; comments and versions would change with Graphviz.
    sed -E -e '/^<\?xml/d' -e '/^<!/d' -e '/^ "http/d' -e '/^<!--/d' -e '/^ *-->/d' -e 's/ (fill|stroke)="[^"]*"//g' \
      -e 's/^ viewBox/ role="img" viewBox/' |
    awk -v style="$(cat style.css)" '
      { print }
      /xmlns=/ { split($0, part, "viewBox=\""); split(part[2], size, /[ "]/)
                 print "<style>\n" style "\n</style>"
                 printf "<rect class=\"card\" x=\"0.5\" y=\"0.5\" width=\"%.1f\" height=\"%.1f\" rx=\"8\"/>\n", size[3] - 1, size[4] - 1 }' \
      >"$picture"
done
