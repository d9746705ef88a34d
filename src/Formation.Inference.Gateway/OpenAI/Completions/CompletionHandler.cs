using Formation.Inference.Gateway.Auth;
using Formation.Inference.Gateway.Formation.Requests;
using Formation.Inference.Gateway.HuggingFace.Models;
using Formation.Inference.Gateway.HuggingFace.TextGeneration;
using Formation.Inference.Gateway.Limits;
using Formation.Inference.Gateway.OpenAI.Answers;
using Formation.Inference.Gateway.OpenAI.Parameters;
using Formation.Inference.Gateway.Requests;
using Formation.Inference.Gateway.Streaming;
using Microsoft.AspNetCore.Http;

namespace Formation.Inference.Gateway.OpenAI.Completions;

/// <summary><c>POST /v1/completions</c>, from the body to the last byte. The steps are those of <c>docs/request-path.md</c>.</summary>
internal sealed class CompletionHandler(
    GatewayOptions options, RequestGate gate, IInferenceBackend backend, AnswerSource answers, StreamedAnswer streamed, ModelChoice models)
{
    internal async Task HandleAsync(HttpContext context)
    {
        // Step 1: a place among the requests in progress; who calls was settled on the way here.
        string accountId = Caller.Of(context).AccountId;
        using RequestGate.Permit permit = gate.Enter(accountId);

        // Step 2: the body as it is on the wire.
        CompletionRequest body = await JsonBody.ReadAsync(
            context, OpenAIJsonContext.Requests.CompletionRequest, options.MaxRequestBodyBytes);
        body.Model = models.Of(context, body.Model);
        ClientParameters.Apply(body);

        // Step 3: the same as the engine runs it, one generation for each prompt, every value checked.
        var ignored = new IgnoredFields();
        CompletionPlan plan = CompletionMapping.ToPlan(body, context.TraceIdentifier, accountId, ignored);
        ignored.Tell(context.Response);
        bool includeUsage = CommonMapping.IncludeUsage(body);
        AnswerHeader header = AnswerHeader.Create(answers.CreateId("cmpl-"), options.Clock.GetUtcNow(), answers.FindModel(context, plan.ModelId));
        var usage = new UsageCount(plan.Requests.Count * plan.Candidates);
        var formation = new FormationRecord(body.Formation is not null, usage, options.Clock);
        var stream = new CompletionStream(header, plan, includeUsage, usage, formation);

        // Steps 4 to 9 are the backend's. Step 10: its events in OpenAI's words.
        using RequestTrace trace = answers.Trace(context, "text_completion", plan.ModelId, usage);
        if (body.Stream == true)
        {
            await streamed.SendAsync(context, Run, stream);
            return;
        }

        var collector = new CompletionCollector(header, plan, usage);
        await WholeAnswer.CollectAsync(Run(context.RequestAborted), collector.Add, stream);
        await WholeAnswer.WriteAsync(context, collector.ToAnswer() with { Formation = formation.ToAnswer() }, OpenAIJsonContext.Answers.Completion);

        IAsyncEnumerable<PromptEvent> Run(CancellationToken token) => formation.Watch(PromptEvents.RunAsync(backend, plan.Requests, token), token);
    }
}
