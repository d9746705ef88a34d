using Formation.Inference.Gateway.Auth;
using Formation.Inference.Gateway.Formation.Requests;
using Formation.Inference.Gateway.Limits;
using Formation.Inference.Gateway.Requests;
using Formation.Inference.Gateway.Streaming;
using Formation.Inference.Gateway.Tools;
using Microsoft.AspNetCore.Http;

namespace Formation.Inference.Gateway.Anthropic.Messages;

/// <summary><c>POST /v1/messages</c>, from the body to the last byte. The steps are those of <c>docs/request-path.md</c>.</summary>
internal sealed class MessagesHandler(
    GatewayOptions options, RequestGate gate, IInferenceBackend backend, AnswerSource answers, StreamedAnswer streamed)
{
    internal async Task HandleAsync(HttpContext context)
    {
        // Step 1: a place among the requests in progress; who calls was settled on the way here.
        AnthropicVersion.Check(context.Request);
        string accountId = Caller.Of(context).AccountId;
        using RequestGate.Permit permit = gate.Enter(accountId);

        // Step 2: the body as it is on the wire.
        MessagesRequest body = await JsonBody.ReadAsync(context, AnthropicJsonContext.Requests.MessagesRequest, options.MaxRequestBodyBytes);

        // Step 3: the same as the engine runs it, every value checked.
        GenerationRequest request = MessagesMapping.ToGeneration(body, context.TraceIdentifier, accountId);
        ModelDescription model = answers.FindModel(context, request.ModelId);
        var header = new MessageHeader(
            answers.CreateId("msg_"), model.Id, request.Stop.Strings, request.Stop.MaxTokens, context.TraceIdentifier);
        var usage = new UsageCount(request.Choices);
        var reader = new AnswerReader(mayCallTools: request.ToolUse is not null, tellsThoughts: request.Reasoning?.IsWanted == true);
        bool showsThoughts = body.Thinking?.Display != "omitted";
        string CreateCallId() => answers.CreateId("toolu_");
        var formation = new FormationRecord(body.Formation is not null, usage, options.Clock);
        var stream = new MessageStream(header, reader, showsThoughts, CreateCallId, usage, formation);

        // Steps 4 to 9 are the backend's. Step 10: its events in Anthropic's words.
        using RequestTrace trace = answers.Trace(context, "chat", request.ModelId, usage);
        if (body.Stream == true)
        {
            await streamed.SendAsync(context, Run, stream);
            return;
        }

        var collector = new MessageCollector(header, reader, showsThoughts, CreateCallId, usage);
        await WholeAnswer.CollectAsync(Run(context.RequestAborted), collector.Add, stream);
        await WholeAnswer.WriteAsync(context, collector.ToAnswer() with { Formation = formation.ToAnswer() }, AnthropicJsonContext.Answers.Message);

        IAsyncEnumerable<PromptEvent> Run(CancellationToken token) => formation.Watch(PromptEvents.RunAsync(backend, [request], token), token);
    }
}
