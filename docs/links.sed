# SPDX-License-Identifier: MIT
# What Doxygen reads of the Markdown files: a link to a file that is no page of the site becomes its text.
s/\[([^]]+)\]\(([^):]*\.(hpp|h|cpp|py)|[^):.]*)\)/\1/g
