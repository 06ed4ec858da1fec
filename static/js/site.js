/** Everything that scripts add to the pages. Each part works on what it finds, or does nothing. */
import { enhanceConfirms } from "./confirm.js";
import { enhanceCopyButtons } from "./copy.js";
import { enhanceDropAnywhere } from "./drop-anywhere.js";
import { mindTheLine } from "./offline.js";
import { fitViewer } from "./first-sight.js";
import { enhanceProgress } from "./progress.js";
import { enhanceSceneChoices } from "./scene-choices.js";
import { enhanceShareButtons } from "./share.js";
import { tellSeen } from "./seen.js";
import { enhanceSelect } from "./select.js";
import { enhanceSheet } from "./sheet.js";
import { enhanceStage } from "./stage.js";
import { submitFormsOnce } from "./submit-once.js";
import { enhanceTabs } from "./tabs.js";
import { enhanceThemeToggle } from "./theme-toggle.js";
import { fillTimeZones } from "./time-zone.js";
import { enhanceVersus } from "./versus.js";

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
