using Formation.Inference.Gateway.Tests.Fakes;

namespace Formation.Inference.Gateway.Tests.OpenAI.Documentation;

/// <summary>
/// Holds the tables of <c>docs/api</c> against the fields that OpenAI publishes: those of the parameter types in the official client for JavaScript, the
/// npm package openai 6.49.0. A field that the API has and the tables have not would be passed over without a word.
/// </summary>
public class PublishedFieldTests
{
    [Theory]
    [InlineData("ChatCompletionCreateParams", "openai.md", "Parameters of both endpoints,Chat", """
        messages model audio frequency_penalty function_call functions logit_bias logprobs max_completion_tokens max_tokens metadata modalities moderation n
        parallel_tool_calls prediction presence_penalty prompt_cache_key prompt_cache_options prompt_cache_retention reasoning_effort response_format
        safety_identifier seed service_tier stop store stream stream_options temperature tool_choice tools top_logprobs top_p user verbosity web_search_options
        """)]
    [InlineData("ChatCompletionStreamOptions", "openai.md", "Parameters of both endpoints", "stream_options.include_obfuscation stream_options.include_usage")]
    [InlineData("CompletionCreateParams", "openai.md", "Parameters of both endpoints,Completions", """
        model prompt best_of echo frequency_penalty logit_bias logprobs max_tokens n presence_penalty seed stop stream stream_options suffix temperature top_p user
        """)]
    [InlineData("EmbeddingCreateParams", "openai.md", "Embeddings", "input model dimensions encoding_format user")]
    [InlineData("ResponseCreateParams", "responses.md", "", """
        background context_management conversation include input instructions max_output_tokens metadata model moderation parallel_tool_calls previous_response_id
        prompt prompt_cache_key prompt_cache_options prompt_cache_retention reasoning safety_identifier service_tier store stream stream_options temperature text
        tool_choice tools top_logprobs top_p truncation user
        """)]
    [InlineData("ChatCompletionListParams", "openai.md", "Kept completions", "after limit metadata model order")]
    [InlineData("MessageListParams", "openai.md", "Kept completions", "after limit order")]
    [InlineData("FileCreateParams", "files.md", "", "file purpose expires_after")]
    [InlineData("FileListParams", "files.md", "", "order purpose after limit")]
    [InlineData("BatchCreateParams", "batches.md", "", "completion_window endpoint input_file_id metadata output_expires_after output_expires_after.anchor output_expires_after.seconds")]
    [InlineData("BatchListParams", "batches.md", "", "after limit")]
    public void Every_field_that_is_published_has_a_row(string type, string page, string sections, string fields)
    {
        string[] rows = [.. DocumentedFields.Rows(page, sections.Split(',', StringSplitOptions.RemoveEmptyEntries)).Select(row => row.Name)];
        HashSet<string> named = [.. rows, .. rows.Select(name => name.Split('.', '[')[0])];
        foreach (string field in fields.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries))
            Assert.True(named.Contains(field), $"{type} has '{field}', and {page} has no row for it.");
    }
}
