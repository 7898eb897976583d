/* The form of a training run: only the options of the chosen metric are shown. Without this, all are. */

const metric = document.getElementById("id_metric");

const show = () => {
  for (const group of document.querySelectorAll("[data-metric]")) group.hidden = group.dataset.metric !== metric.value;
};

if (metric) {
  metric.addEventListener("change", show);
  show();
}
