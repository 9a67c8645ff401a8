// html-validate, with everything it recommends but what old mail programs need. Each exception has its reason.

const forOutlook = { deprecated: false }; // Outlook for Windows sizes and aligns tables by attributes, not by styles.

export default {
  root: true,
  extends: ["html-validate:recommended", "html-validate:document"],
  elements: [
    "html5",
    {
      table: { attributes: { cellpadding: forOutlook, cellspacing: forOutlook, width: forOutlook } },
      td: { attributes: { align: forOutlook, height: forOutlook, valign: forOutlook, width: forOutlook } },
    },
  ],
  rules: {
    "no-conditional-comment": "off", // Only Outlook for Windows reads them: the 600 pixels it would not keep otherwise.
    "no-inline-style": "off", // Many mail programs drop style sheets, so every style stands in its tag.
    "presentation-role-style": ["error", { prefer: "presentation" }], // Old screen readers do not know its new name, none.
  },
};
