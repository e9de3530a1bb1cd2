"use strict";
window.addEventListener("load", () => {
  SwaggerUIBundle({ url: "openapi.json", dom_id: "#docs", deepLinking: true, validatorUrl: null });
});
