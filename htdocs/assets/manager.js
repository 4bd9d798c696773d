// SPDX-License-Identifier: Apache-2.0
// The manager refreshes itself, but not under somebody's hands: not while a control is open or anything has
// the focus. Without scripts it stands still.
setInterval(() => {
  const focus = document.activeElement;
  const idle = !document.hidden && (!focus || focus === document.body);
  if (idle && !document.querySelector("details[open]")) location.reload();
}, 5000);
