/** Tells the sign-up form in which time zone the browser is. The person can choose another later. */
export function fillTimeZones() {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (!zone) return;
  document.querySelectorAll("[data-time-zone]").forEach((field) => (field.value ||= zone));
}
