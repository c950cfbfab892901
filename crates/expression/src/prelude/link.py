def _vb_link():
    try:
        request.context = context
    except NameError:
        pass
    if isinstance(context, dict) and "flow_plan" in context:
        context["flow_plan"].context = context
