"use strict";
// Chooses the reader's own time zone in the form, unless she has chosen one; without this the course's stands there.
(() => {
  const choice = document.getElementById("zone");
  if (!choice || "chosen" in choice.dataset) return;
  let zone = "";
  try {
    zone = Intl.DateTimeFormat().resolvedOptions().timeZone || "";
  } catch {
    return;
  }
  if (!/^[A-Za-z0-9_+/-]{1,64}$/.test(zone)) return;
  if (![...choice.options].some(option => option.value === zone)) {
    // An older name of a zone: the list has only today's.
    choice.prepend(new Option(zone.split("/").pop().replaceAll("_", " "), zone));
  }
  choice.value = zone;
})();
