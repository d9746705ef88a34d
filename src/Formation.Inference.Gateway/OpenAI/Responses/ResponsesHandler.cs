using System.Runtime.CompilerServices;
using System.Text.Json;
using Formation.Inference.Gateway.Auth;
using Formation.Inference.Gateway.Contents;
using Formation.Inference.Gateway.Errors;
using Formation.Inference.Gateway.Formation.Requests;
using Formation.Inference.Gateway.Limits;
using Formation.Inference.Gateway.OpenAI.Answers;
using Formation.Inference.Gateway.OpenAI.Responses.Items;
using Formation.Inference.Gateway.Requests;
using Formation.Inference.Gateway.Streaming;
using Microsoft.AspNetCore.Http;

namespace Formation.Inference.Gateway.OpenAI.Responses;

/// <summary><c>POST /v1/responses</c>, from the body to the last byte. The steps are those of <c>docs/request-path.md</c>.</summary>
internal sealed class ResponsesHandler(
    GatewayOptions options, RequestGate gate, IInferenceBackend backend, AnswerSource answers, StreamedAnswer streamed, ConversationSource conversations,
    Truncation truncation)
{
    internal async Task HandleAsync(HttpContext context)
    {
        // Step 1: a place among the requests in progress; who calls was settled on the way here.
        string accountId = Caller.Of(context).AccountId;
        using RequestGate.Permit permit = gate.Enter(accountId);

        // Step 2: the body as it is on the wire.
        ResponsesRequest body = await JsonBody.ReadAsync(context, OpenAIJsonContext.Requests.ResponsesRequest, options.MaxRequestBodyBytes);

        // Step 3: the same as the engine runs it, every value checked, with what was kept of the conversation.
        var ignored = new IgnoredFields();
        ResponsesMapping.Check(body, options.Contents is not null, ignored);
        ignored.Tell(context.Response);
        string id = answers.CreateId(ItemIds.ResponsePrefix);
        var ids = new ItemIds(id);
        ResponseTools tools = ResponseToolsMapping.Of(body);
        Conversation conversation = await conversations.ReadAsync(body, ids, accountId, context.RequestAborted);
        GenerationRequest request = ResponsesMapping.ToGeneration(body, conversation.Messages, tools, context.TraceIdentifier, accountId);
        AnswerHeader header = AnswerHeader.Create(id, options.Clock.GetUtcNow(), answers.FindModel(context, request.ModelId));
        if (body.Truncation == "auto")
            request = await truncation.FitAsync(request, context.RequestAborted);
        ContentStore? keeper = body.Store == false ? null : options.Contents;
        var usage = new UsageCount(request.Choices);
        var formation = new FormationRecord(body.Formation is not null, usage, options.Clock);
        var builder = new ResponseBuilder(
            ResponsesMapping.Begin(body, header, tools, keeper is not null), ids, request.Logprobs is not null,
            new ToolCallAnswers(request.ToolUse, () => answers.CreateId("call_")), usage, formation, options.Clock);
        var stream = new ResponseStream(builder, ResponsesMapping.Names(body));

        // Steps 4 to 9 are the backend's. Step 10: its events in OpenAI's words, once they are kept.
        using RequestTrace trace = answers.Trace(context, "chat", request.ModelId, usage);
        if (body.Stream == true)
        {
            await streamed.SendAsync(context, Run, stream);
            return;
        }

        await WholeAnswer.CollectAsync(Run(context.RequestAborted), _ => { }, stream);
        await WholeAnswer.WriteAsync(context, builder.Response, OpenAIJsonContext.Answers.ResponseObject);

        IAsyncEnumerable<PromptEvent> Run(CancellationToken token) =>
            RunAsync(formation.Watch(PromptEvents.RunAsync(backend, [request], token), token), builder, keeper, accountId, conversation, token);
    }

    /// <summary><c>POST /v1/responses/input_tokens</c>: the tokens of a prompt, which the engine counts and does not run.</summary>
    internal async Task CountAsync(HttpContext context)
    {
        string accountId = Caller.Of(context).AccountId;
        using RequestGate.Permit permit = gate.Enter(accountId);
        ResponsesRequest body = await JsonBody.ReadAsync(context, OpenAIJsonContext.Requests.ResponsesRequest, options.MaxRequestBodyBytes);
        FormationMapping.NotHere(body.Formation);
        var ignored = new IgnoredFields();
        ResponsesMapping.Check(body, options.Contents is not null, ignored);
        ignored.Tell(context.Response);
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

    /// <summary>Shows each event to the builder before anybody else, and keeps the response before its end is told: who hears of it may go on with it.</summary>
    static async IAsyncEnumerable<PromptEvent> RunAsync(
        IAsyncEnumerable<PromptEvent> events, ResponseBuilder builder, ContentStore? keeper, string accountId, Conversation conversation,
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (PromptEvent item in events.WithCancellation(cancellationToken))
        {
            builder.Add(item);
            if (builder.IsComplete && keeper is not null)
                await keeper.Responses.KeepAsync(Kept(builder.Response, accountId, conversation), conversation.Before, cancellationToken);
            yield return item;
        }
    }

    static KeptResponse Kept(ResponseObject response, string accountId, Conversation conversation) => new(
        response.Id,
        accountId,
        response.PreviousResponseId,
        JsonSerializer.SerializeToUtf8Bytes(response, OpenAIJsonContext.Answers.ResponseObject),
        JsonSerializer.SerializeToUtf8Bytes(new KeptItems(conversation.Input, response.Output), OpenAIJsonContext.Answers.KeptItems));
}
