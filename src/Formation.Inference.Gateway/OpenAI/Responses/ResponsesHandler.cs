using System.Runtime.CompilerServices;
using Formation.Inference.Gateway.Auth;
using Formation.Inference.Gateway.Errors;
using Formation.Inference.Gateway.Formation.Requests;
using Formation.Inference.Gateway.Limits;
using Formation.Inference.Gateway.OpenAI.Responses.Background;
using Formation.Inference.Gateway.OpenAI.Responses.Items;
using Formation.Inference.Gateway.Requests;
using Formation.Inference.Gateway.Streaming;
using Formation.Inference.Gateway.Telemetry;
using Microsoft.AspNetCore.Http;

namespace Formation.Inference.Gateway.OpenAI.Responses;

/// <summary><c>POST /v1/responses</c>, from the body to the last byte. The steps are those of <c>docs/request-path.md</c>.</summary>
internal sealed class ResponsesHandler(
    GatewayOptions options, RequestGate gate, IInferenceBackend backend, AnswerSource answers, StreamedAnswer streamed, ConversationSource conversations,
    ResponsePlanner planner, BackgroundResponses background, ResponseEventReader reader)
{
    internal async Task HandleAsync(HttpContext context)
    {
        // Step 1: a place among the requests in progress; who calls was settled on the way here.
        string accountId = Caller.Of(context).AccountId;
        using RequestGate.Permit permit = gate.Enter(accountId);

        // Step 2: the body as it is on the wire.
        using RequestBody raw = await RequestBody.ReadAsync(context.Request, options.MaxRequestBodyBytes, context.RequestAborted);
        ResponsesRequest body = JsonBody.Parse(raw.Bytes, OpenAIJsonContext.Requests.ResponsesRequest);

        // Step 3: the same as the engine runs it.
        Check(context, body);
        string id = answers.CreateId(ItemIds.ResponsePrefix);
        ResponsePlan plan = await planner.PlanAsync(
            body, id, options.Clock.GetUtcNow(), RequestRecord.Of(context), context.TraceIdentifier, accountId, context.RequestAborted);
        if (body.Background == true)
        {
            // What runs takes a place of its own, for which nobody who only looks on may keep it waiting.
            permit.Dispose();
            await background.AcceptAsync(plan, raw.Bytes.ToArray(), context.RequestAborted);
            raw.Dispose();
            if (body.Stream == true)
                await streamed.SendAsync(context, token => reader.ReadAsync(accountId, id, -1, token), new KeptEventStream());
            else
                await WholeAnswer.WriteAsync(context, plan.Builder.Response, OpenAIJsonContext.Answers.ResponseObject);
            return;
        }

        // Steps 4 to 9 are the backend's. Step 10: its events in OpenAI's words, once they are kept.
        raw.Dispose();
        var stream = new ResponseStream(plan.Builder, ResponsesMapping.Names(body));
        using RequestTrace trace = answers.Trace(context, "chat", plan.Request.ModelId, plan.Usage);
        if (body.Stream == true)
        {
            await streamed.SendAsync(context, token => RunAsync(plan, token), stream);
            return;
        }

        await WholeAnswer.CollectAsync(RunAsync(plan, context.RequestAborted), _ => { }, stream);
        await WholeAnswer.WriteAsync(context, plan.Builder.Response, OpenAIJsonContext.Answers.ResponseObject);
    }

    /// <summary><c>POST /v1/responses/input_tokens</c>: the tokens of a prompt, which the engine counts and does not run.</summary>
    internal async Task CountAsync(HttpContext context)
    {
        string accountId = Caller.Of(context).AccountId;
        using RequestGate.Permit permit = gate.Enter(accountId);
        ResponsesRequest body = await JsonBody.ReadAsync(context, OpenAIJsonContext.Requests.ResponsesRequest, options.MaxRequestBodyBytes);
        FormationMapping.NotHere(body.Formation);
        Check(context, body);
        ResponseTools tools = ResponseToolsMapping.Of(body);
        Conversation conversation = await conversations.ReadAsync(body, new ItemIds(answers.CreateId(ItemIds.ResponsePrefix)), accountId, context.RequestAborted);
        GenerationRequest request =
            ResponsesMapping.ToGeneration(body, conversation.Messages, tools, context.TraceIdentifier, accountId) with { Logprobs = null };
        answers.FindModel(context, request.ModelId);
        Outcome<GenerationStarted> counted = await backend.CountAsync(request, context.RequestAborted);
        if (counted.Error is { } error)
            throw new ApiErrorException(GenerationErrors.ToApiError(error, ResponsesMapping.Names(body).Of));
        await WholeAnswer.WriteAsync(
            context, new InputTokenCount("response.input_tokens", counted.Value!.PromptTokens), OpenAIJsonContext.Answers.InputTokenCount);
    }

    void Check(HttpContext context, ResponsesRequest body)
    {
        var ignored = new IgnoredFields();
        ResponsesMapping.Check(body, options.Contents is not null, ignored);
        ignored.Tell(context.Response);
    }

    /// <summary>Shows each event to the builder before anybody else, and keeps the response before its end is told: who hears of it may go on with it.</summary>
    async IAsyncEnumerable<PromptEvent> RunAsync(ResponsePlan plan, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (PromptEvent item in await planner.RunAsync(plan, cancellationToken))
        {
            plan.Builder.Add(item);
            if (plan.Builder.IsComplete && planner.Keeps(plan.Body))
                await options.Contents!.Responses.KeepAsync(plan.ToKept(), plan.Conversation.Before, cancellationToken);
            yield return item;
        }
    }
}
