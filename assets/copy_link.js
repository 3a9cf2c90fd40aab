// The "Copy link" button of every page; it also notices when the visitor changes the theme.
export default function ({ parentElement, setTriggerValue }) {
  const button = parentElement.querySelector("button");
  // charts carry the theme's colours: ask for a new run when the visitor changes the theme
  const theme = () => getComputedStyle(button).getPropertyValue("--st-background-color");
  const first = theme();
  const watch = setInterval(() => {
    if (theme() !== first) { clearInterval(watch); setTriggerValue("theme", theme()); }
  }, 400);
  const label = button.querySelector("span");
  button.onclick = async () => {
    const link = window.location.href;
    try {
      await navigator.clipboard.writeText(link);
      label.textContent = "Copied";
    } catch {
      window.prompt("Copy this link", link);
    }
    setTimeout(() => { label.textContent = "Copy link"; }, 1500);
  };
  return () => clearInterval(watch);
}
