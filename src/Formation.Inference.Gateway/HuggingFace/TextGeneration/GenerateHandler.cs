using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Formation.Inference.Gateway.Auth;
using Formation.Inference.Gateway.Errors;
using Formation.Inference.Gateway.HuggingFace.Errors;
using Formation.Inference.Gateway.HuggingFace.Models;
using Formation.Inference.Gateway.Limits;
using Formation.Inference.Gateway.Requests;
using Formation.Inference.Gateway.Streaming;
using Microsoft.AspNetCore.Http;

namespace Formation.Inference.Gateway.HuggingFace.TextGeneration;

/// <summary>
/// <c>POST /generate</c>, <c>/generate_stream</c> and <c>/</c> of Text Generation Inference, from the body to the last byte. The steps are those of
/// <c>docs/request-path.md</c>.
/// </summary>
internal sealed class GenerateHandler
{
    readonly GatewayOptions _options;
    readonly RequestGate _gate;
    readonly IInferenceBackend _backend;
    readonly AnswerSource _answers;
    readonly StreamedAnswer _streamed;
    readonly ModelChoice _models;
    readonly GenerateMapping _mapping;

    public GenerateHandler(
        GatewayOptions options, RequestGate gate, IInferenceBackend backend, AnswerSource answers, StreamedAnswer streamed, ModelChoice models)
    {
        (_options, _gate, _backend, _answers, _streamed, _models) = (options, gate, backend, answers, streamed, models);

        // 53 bits, so that a client whose numbers are floating-point ones can send it back.
        _mapping = new GenerateMapping(() =>
            BinaryPrimitives.ReadUInt64LittleEndian(SHA256.HashData(Encoding.UTF8.GetBytes(answers.CreateId("seed_")))) >> 11);
    }

    internal Task GenerateAsync(HttpContext context) => HandleAsync(context, _ => false, isArray: false);

    internal Task GenerateStreamAsync(HttpContext context) => HandleAsync(context, _ => true, isArray: false);

    /// <summary>The form of the Inference API: one route for both, and an array around a whole answer.</summary>
    internal Task GenerateEitherAsync(HttpContext context) => HandleAsync(context, body => body.Stream ?? false, isArray: true);

    async Task HandleAsync(HttpContext context, Func<GenerateRequest, bool> isStreamOf, bool isArray)
    {
        // Step 1: a place among the requests in progress; who calls was settled on the way here.
        string accountId = Caller.Of(context).AccountId;
        using RequestGate.Permit permit = _gate.Enter(accountId);

        // Step 2: the body as it is on the wire.
        GenerateRequest body = await JsonBody.ReadAsync(context, HuggingFaceJsonContext.Requests.GenerateRequest, _options.MaxRequestBodyBytes);
        await AnswerAsync(context, body, isStreamOf(body), isArray, accountId);
    }

    /// <summary>Answers a body that was read, in the place that the caller has taken for it.</summary>
    internal async Task AnswerAsync(HttpContext context, GenerateRequest body, bool isStream, bool isArray, string accountId)
    {
        // Step 3: the same as the engine runs it, every value checked.
        GeneratePlan plan = _mapping.ToPlan(body, _models.Of(context), context.TraceIdentifier, accountId, isStream);
        _answers.FindModel(context, plan.Request.ModelId);
        var ignored = new IgnoredFields();
        ignored.Add(body.Unknown);
        ignored.Add(body.Parameters?.Unknown, "parameters");
        ignored.Tell(context.Response);
        if (plan.Truncate is { } most)
            plan = await TruncateAsync(plan, most, context.RequestAborted);
        var usage = new UsageCount(plan.Request.Choices);
        var stream = new GenerateStream(plan, usage);

        // Steps 4 to 9 are the backend's. Step 10: its events in the service's words.
        using RequestTrace trace = _answers.Trace(context, "text_completion", plan.Request.ModelId, usage);
        WriteHeader(context, "x-compute-type", "cpu");
        WriteHeader(context, "x-compute-characters", body.Inputs!.EnumerateRunes().Count());
        if (isStream)
        {
            await _streamed.SendAsync(context, token => PromptEvents.RunAsync(_backend, [plan.Request], token), stream);
            return;
        }

        var collector = new GenerateCollector(plan, usage);
        await WholeAnswer.CollectAsync(PromptEvents.RunAsync(_backend, [plan.Request], context.RequestAborted), collector.Add, stream);
        WriteHeader(context, "x-prompt-tokens", usage.PromptTokens);
        WriteHeader(context, "x-generated-tokens", usage.CompletionTokens);
        GenerateResponse answer = collector.ToAnswer();
        if (isArray)
            await WholeAnswer.WriteAsync<List<GenerateResponse>>(context, [answer], HuggingFaceJsonContext.Answers.ListGenerateResponse);
        else
            await WholeAnswer.WriteAsync(context, answer, HuggingFaceJsonContext.Answers.GenerateResponse);
    }

    /// <summary>Leaves the last tokens of the prompt.</summary>
    async Task<GeneratePlan> TruncateAsync(GeneratePlan plan, int most, CancellationToken cancellationToken)
    {
        Outcome<TokenizedPrompt> outcome = await _backend.TokenizeAsync(plan.Request, cancellationToken);
        if (outcome.Error is { } error)
            throw new ApiErrorException(HuggingFaceErrors.OfBackend(error, GenerateMapping.ParameterName));
        IReadOnlyList<PromptToken> tokens = outcome.Value!.Tokens;
        return tokens.Count <= most
            ? plan
            : plan with { Request = plan.Request with { Prompt = new TokenPrompt([.. tokens.Skip(tokens.Count - most).Select(token => token.Id)]) } };
    }

    static void WriteHeader(HttpContext context, string name, int value) => WriteHeader(context, name, value.ToString(CultureInfo.InvariantCulture));

    static void WriteHeader(HttpContext context, string name, string value) => context.Response.Headers[name] = value;
}
