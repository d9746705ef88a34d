using Formation.Inference.Gateway.Auth;
using Formation.Inference.Gateway.Formation.Requests;
using Formation.Inference.Gateway.HuggingFace.Models;
using Formation.Inference.Gateway.Limits;
using Formation.Inference.Gateway.OpenAI.Answers;
using Formation.Inference.Gateway.OpenAI.Parameters;
using Formation.Inference.Gateway.Requests;
using Formation.Inference.Gateway.Streaming;
using Microsoft.AspNetCore.Http;

namespace Formation.Inference.Gateway.OpenAI.ChatCompletions;

/// <summary><c>POST /v1/chat/completions</c>, from the body to the last byte. The steps are those of <c>docs/request-path.md</c>.</summary>
internal sealed class ChatCompletionHandler(
    GatewayOptions options, RequestGate gate, IInferenceBackend backend, AnswerSource answers, StreamedAnswer streamed, ModelChoice models)
{
    internal async Task HandleAsync(HttpContext context)
    {
        // Step 1: a place among the requests in progress; who calls was settled on the way here.
        string accountId = Caller.Of(context).AccountId;
        using RequestGate.Permit permit = gate.Enter(accountId);

        // Step 2: the body as it is on the wire.
        ChatCompletionRequest body = await JsonBody.ReadAsync(
            context, OpenAIJsonContext.Requests.ChatCompletionRequest, options.MaxRequestBodyBytes);
        body.Model = models.Of(context, body.Model);

        // Step 3: the same as the engine runs it, every value checked.
        var ignored = new IgnoredFields();
        GenerationRequest request = ChatCompletionMapping.ToGeneration(body, context.TraceIdentifier, accountId, options.Contents is not null, ignored);
        ignored.Tell(context.Response);
        bool includeUsage = CommonMapping.IncludeUsage(body);
        AnswerHeader header = AnswerHeader.Create(answers.CreateId("chatcmpl-"), options.Clock.GetUtcNow(), answers.FindModel(context, request.ModelId));
        bool logprobs = request.Logprobs is not null;
        var usage = new UsageCount(request.Choices);
        var callIds = new CallIds(() => answers.CreateId("call_"));
        bool tellsThoughts = body.IncludeReasoning != false;
        var tools = new ToolCallAnswers(request.ToolUse, callIds.Reader(), tellsThoughts);
        CompletionKeeper? keeper = body.Store == true ? new CompletionKeeper(options, accountId, body, header.Id) : null;
        var formation = new FormationRecord(body.Formation is not null, usage, options.Clock);
        var stream = new ChatCompletionStream(
            header, request.Choices, logprobs, includeUsage, ChatCompletionMapping.Names(body), tools, usage, formation);

        // Steps 4 to 9 are the backend's. Step 10: its events in OpenAI's words, once they are kept where that was asked for.
        using RequestTrace trace = answers.Trace(context, "chat", request.ModelId, usage);
        if (body.Stream == true)
        {
            await streamed.SendAsync(context, token => keeper is null ? Run(token) : keeper.KeepAtEndAsync(Run(token), Watcher(), token), stream);
            return;
        }

        var collector = new ChatCompletionCollector(header, request.Choices, logprobs, tools, usage);
        await WholeAnswer.CollectAsync(Run(context.RequestAborted), collector.Add, stream);
        if (keeper is not null)
            await keeper.KeepAsync(collector.ToAnswer(), context.RequestAborted);
        await WholeAnswer.WriteAsync(context, collector.ToAnswer() with { Formation = formation.ToAnswer() }, OpenAIJsonContext.Answers.ChatCompletion);

        // What a stream tells piece by piece is collected beside it, with the same ids.
        ChatCompletionCollector Watcher() => new(
            header, request.Choices, logprobs, new ToolCallAnswers(request.ToolUse, callIds.Reader(), tellsThoughts), new UsageCount(request.Choices));

        IAsyncEnumerable<PromptEvent> Run(CancellationToken token) => formation.Watch(PromptEvents.RunAsync(backend, [request], token), token);
    }
}
