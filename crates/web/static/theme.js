// Chooses the theme before anything is drawn: what this browser was told, else what its system says.
{
  let chosen = null;
  try { chosen = localStorage.getItem("vestibule-theme"); } catch { /* Storage is off: the system decides. */ }
  const root = document.documentElement;
  const dark = chosen === "dark" || (chosen !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
  if (chosen === "light" || chosen === "dark") root.dataset.theme = chosen;
  root.dataset.mantineColorScheme = dark ? "dark" : "light";
}
