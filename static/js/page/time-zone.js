/** Tells the sign-up form in which time zone the browser is. The person can choose another later. */
export function fillTimeZones() {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (!zone) return;
  /** @type {NodeListOf<HTMLInputElement>} */
  const fields = document.querySelectorAll("[data-time-zone]");
  for (const field of fields) field.value ||= zone;
}
