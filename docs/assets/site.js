"use strict";
/* The theme wraps wide tables so that they scroll; this lets a keyboard reach them, and names them. */

function reach() {
  for (const each of document.querySelectorAll(".md-typeset__scrollwrap:not([tabindex])")) {
    const heads = [...each.querySelectorAll("th")].map((head) => head.textContent).filter((text) => text);
    each.setAttribute("tabindex", "0");
    each.setAttribute("role", "region");
    each.setAttribute("aria-label", `Table: ${heads.join(", ") || "without headings"}`);
  }
}

reach();
new MutationObserver(reach).observe(document.body, { childList: true, subtree: true });
