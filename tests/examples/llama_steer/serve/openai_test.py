"""The `openai` package against a server of `llama_steer serve`, unchanged: openai_test.py URL"""

import sys

import openai

client = openai.OpenAI(base_url=sys.argv[1] + "/v1", api_key="none", max_retries=0)
question = [{"role": "user", "content": "Say hello."}]
how = {"model": "smol", "messages": question, "max_tokens": 8, "temperature": 0, "seed": 1}

assert [model.id for model in client.models.list()] == ["smol"]

plain = client.chat.completions.create(**how)
steered = client.chat.completions.create(**how, extra_body={"steering": {"doses": {"terse": 0.5}}})
assert plain.choices[0].message.content != steered.choices[0].message.content
assert steered.usage.completion_tokens <= 8
assert steered.model_extra["steering"]["doses"] == {"terse@2": 0.5}, steered.model_extra

stream = client.chat.completions.create(**how, stream=True, stream_options={"include_usage": True}, extra_body={"steering": "0.5 terse"})
text, last = "", None
for chunk in stream:
    text += (chunk.choices[0].delta.content or "") if chunk.choices else ""
    last = chunk
assert text == steered.choices[0].message.content, text
assert last.usage.completion_tokens == steered.usage.completion_tokens
assert last.model_extra["steering"]["digest"] == steered.model_extra["steering"]["digest"]

written = client.completions.create(model="smol", prompt="Once upon a time", max_tokens=4, temperature=0, stop=["\n"])
assert written.choices[0].text and written.choices[0].finish_reason in ("stop", "length")

for wrong, kind, code in [
    ({"extra_body": {"steering": "0.5 pirate"}}, openai.BadRequestError, "invalid_value"),
    ({"extra_body": {"steering": "9 terse"}}, openai.PermissionDeniedError, "policy_violation"),
    ({"n": 2}, openai.BadRequestError, None),
    ({"tools": [{"type": "function", "function": {"name": "f"}}]}, openai.BadRequestError, None),
]:
    try:
        client.chat.completions.create(**how, **wrong)
    except kind as refused:
        assert code is None or refused.code == code, refused
    else:
        raise AssertionError(f"{wrong} was not refused")
print("the openai package works")
