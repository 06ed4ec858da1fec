/** Everything that scripts add to the pages. Each part works on what it finds, or does nothing. */
import { enhanceConfirms } from "./page/confirm.js";
import { enhanceCopyButtons } from "./page/copy.js";
import { enhanceDropAnywhere } from "./upload/drop-anywhere.js";
import { mindTheLine } from "./page/offline.js";
import { fitViewer } from "./result/first-sight.js";
import { enhanceProgress } from "./running/progress.js";
import { enhanceSceneChoices } from "./result/scene-choices.js";
import { enhanceShareButtons } from "./sharing/share.js";
import { tellSeen } from "./page/seen.js";
import { enhanceSelect } from "./gallery/select.js";
import { enhanceSheet } from "./sharing/sheet.js";
import { enhanceStage } from "./running/stage.js";
import { submitFormsOnce } from "./page/submit-once.js";
import { enhanceTabs } from "./result/tabs.js";
import { enhanceThemeToggle } from "./page/theme-toggle.js";
import { fillTimeZones } from "./page/time-zone.js";
import { enhanceVersus } from "./result/picture-slider.js";

enhanceThemeToggle();
enhanceConfirms();
enhanceCopyButtons();
enhanceShareButtons();
enhanceTabs();
fitViewer(); // after: the tabs say whether it is to be seen
enhanceProgress();
enhanceSheet();
enhanceSelect();
enhanceStage();
enhanceSceneChoices();
enhanceVersus();
enhanceDropAnywhere();
mindTheLine(); // before: it holds forms back
submitFormsOnce();
fillTimeZones();
tellSeen();
