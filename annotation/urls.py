"""Under /admin/learning/annotation/."""

from django.urls import path

from annotation.pages import adjudication, desk, insights, plan, queues, rubrics

urlpatterns = [
    path("", desk.desk, name="review-desk"),
    path("undo/", desk.undo, name="review-undo"),
    path("recall/", desk.recall, name="review-recall"),
    path("adjudication/", adjudication.adjudication, name="adjudication"),
    path("adjudication/<uuid:slot_id>/", adjudication.adjudicate, name="adjudicate"),
    path("flags/", adjudication.flags, name="review-flags"),
    path("flags/<uuid:flag_id>/", adjudication.flag_resolve, name="review-flag"),
    path("queues/", queues.queue_list, name="review-queues"),
    path("queues/new/", queues.queue_new, name="review-queue-new"),
    path("queues/<uuid:queue_id>/", queues.queue_edit, name="review-queue"),
    path("queues/<uuid:queue_id>/gold/", queues.gold_add, name="review-gold-add"),
    path("gold/<uuid:gold_id>/retire/", queues.gold_retire, name="review-gold-retire"),
    path("seats/<uuid:seat_id>/resume/", queues.expert_resume, name="review-resume"),
    path("rubrics/", rubrics.rubric_list, name="review-rubrics"),
    path("rubrics/new/", rubrics.rubric_new, name="review-rubric-new"),
    path("rubrics/<uuid:rubric_id>/", rubrics.rubric_edit, name="review-rubric"),
    path("agreement/", insights.agreement, name="review-agreement"),
    path("plan/", plan.plan, name="review-plan"),
]
